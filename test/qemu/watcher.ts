/** Follows a machine through a scenario: tells what it reports, and takes what was not expected for a failure. */
import type { Happening, Machine, MachineEvent } from './machine.js';

export class Watcher {
  readonly #machine: Machine;
  readonly #say: (text: string) => void;
  /** When the machine last gave a sign of life, in seconds of its own. */
  at = 0;
  /** What it has lived through before it was reset: once by the watchdog, and once more by its firmware, at the start that follows. */
  #before = 0;

  constructor(machine: Machine, say: (text: string) => void) {
    this.#machine = machine;
    this.#say = say;
  }

  /** How long the machine has lived altogether, in seconds of its own. */
  get lived(): number {
    return this.#before + this.at;
  }

  /** Until the program in the machine has done its part. */
  async done(): Promise<void> {
    await this.#until('the program in the machine has done its part', (happening) => 'done' in happening);
  }

  /** Until qemu tells of this. */
  async event(event: string, data: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const words = [event, ...Object.values(data)].join(' ');
    const isIt = (happening: Happening): happening is MachineEvent =>
      'event' in happening &&
      happening.event === event &&
      Object.entries(data).every(([key, value]) => happening.data[key] === value);
    const since = this.at;
    await this.#until(words, isIt);
    this.#tell(`qemu says: ${words}${this.at > since + 1 ? `, ${Math.round(this.at - since)} s later` : ''}`);
  }

  async #until(what: string, isIt: (happening: Happening) => boolean): Promise<void> {
    for (;;) {
      const happening = await this.#machine.next();
      if ('at' in happening) {
        this.at = happening.at;
        if (happening.step !== undefined) this.#tell(happening.step);
      }
      if (isIt(happening)) return;
      if ('event' in happening && happening.event === 'RESET') {
        this.#before += this.at;
        this.at = 0;
        continue;
      }
      const instead = unexpected(happening);
      if (instead !== undefined) throw new Error(`${instead}\n(what was awaited: ${what})`);
    }
  }

  #tell(text: string): void {
    this.#say(`${this.at.toFixed(1).padStart(9)} s  ${text}`);
  }
}

function unexpected(happening: Happening): string | undefined {
  if ('ended' in happening) return happening.ended;
  if ('event' in happening) return `qemu says: ${happening.event} ${JSON.stringify(happening.data)}`;
  if (happening.failed !== undefined) return happening.failed;
  return happening.done ? 'the program in the machine has done its part already' : undefined;
}
