/** What a check found: `problems` ought to be empty. */
export interface Verdict {
  readonly title: string;
  /** How many calls, nodes or events it looked at. */
  readonly checked: number;
  readonly problems: readonly string[];
  /** What it could not decide, or why it was not done. */
  readonly undecided?: string;
}

/** Collects what a check finds; of many problems the first ones are kept. */
export class Findings {
  readonly #title: string;
  readonly #problems: string[] = [];
  #checked = 0;
  #more = 0;

  constructor(title: string) {
    this.#title = title;
  }

  /** Something was looked at; it is a problem if `problem` is a text. */
  look(problem: string | false | undefined): void {
    this.#checked++;
    if (problem === false || problem === undefined) return;
    if (this.#problems.length < MOST_PROBLEMS) this.#problems.push(problem);
    else this.#more++;
  }

  verdict(): Verdict {
    const more = this.#more === 0 ? [] : [`… and ${this.#more} more`];
    return { title: this.#title, checked: this.#checked, problems: [...this.#problems, ...more] };
  }
}

const MOST_PROBLEMS = 20;
