/** One change of one file: `find` stands there exactly once. */
export interface Edit {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** A way to build the plane wrong, and the test that must notice. */
export interface Mutant {
  /** What is wrong with the build. */
  readonly name: string;
  readonly edits: readonly Edit[];
  readonly test: TestName;
}

export interface TestName {
  readonly file: string;
  /** What stands in the test's name, or in that of its suite; all tests of the file if absent. */
  readonly name?: string;
}

export const edit = (file: string, find: string, replace: string): Edit => ({ file, find, replace });
