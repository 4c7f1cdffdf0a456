/** One attempt at a step, or at undoing it. */
export interface StepEnd {
  readonly kind: string;
  readonly step: string;
  readonly outcome: 'done' | 'failed' | 'undone' | 'undo-failed';
  readonly seconds: number;
}

/** An operation that this server worked on, from its begin or the start of the server to its end. */
export interface OperationEnd {
  readonly kind: string;
  readonly outcome: 'done' | 'failed' | 'stuck';
  readonly seconds: number;
}

/** Whoever counts work. It is told after the fact, and must not throw. */
export interface WorkWatch {
  step(end: StepEnd): void;
  operation(end: OperationEnd): void;
}
