// Lines as they come in, to wait for one of them.

/** Far more than anything takes; so that a test that fails says what it saw instead. */
const PATIENCE = 60_000;

export class Lines {
  readonly all: string[] = [];
  readonly #looks = new Set<() => void>();

  add(line: string): void {
    this.all.push(line);
    for (const look of [...this.#looks]) look();
  }

  /** The first that matches, from an index on; there already, or when it comes. */
  find(pattern: RegExp, from = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.all.slice(from).find((line) => pattern.test(line));
        if (found !== undefined) end(() => resolve(found));
      };
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        this.#looks.delete(look);
        settle();
      };
      const timer = setTimeout(
        () => end(() => reject(new Error(`no line ${pattern} in:\n${this.all.slice(from).join('\n')}`))),
        PATIENCE,
      );
      this.#looks.add(look);
      look();
    });
  }

  get count(): number {
    return this.all.length;
  }
}
