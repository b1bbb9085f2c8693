// Lines as they come in, to wait for one of them.
export class Lines {
  readonly all: string[] = [];
  readonly #looks = new Set<() => void>();

  add(line: string): void {
    this.all.push(line);
    for (const look of [...this.#looks]) look();
  }

  /** The first that matches, from an index on; there already, or when it comes. */
  async find(pattern: RegExp, from = 0): Promise<string> {
    for (;;) {
      const found = this.all.slice(from).find((line) => pattern.test(line));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#looks.delete(look);
          resolve();
        };
        this.#looks.add(look);
      });
    }
  }

  get count(): number {
    return this.all.length;
  }
}
