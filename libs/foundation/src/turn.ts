/** The stages at the end of a turn, in their order. */
export const turnStages = ['write', 'publish', 'answer', 'send'] as const;
export type TurnStage = (typeof turnStages)[number];

/**
 * The end of a turn of the event loop, shared by a store and a remoting server.
 *
 * Everything that arrives in one turn is gathered; then, once, in this order: the log is written
 * (`write`), its entries become visible (`publish`), readers who waited are answered (`answer`),
 * and each connection's answers leave in one socket write (`send`). The order is the gate: no
 * answer reaches a socket before the write that it speaks of has returned.
 */
export class Turn {
  private readonly steps: (() => void)[][] = turnStages.map(() => []);
  private asked = false;
  private readonly run = (): void => {
    // A step may ask for the next turn, so the mark goes first.
    this.asked = false;
    this.end();
  };

  /** `schedule` runs its argument at the end of the turn. Default `setImmediate`. */
  constructor(private readonly schedule: (end: () => void) => unknown = setImmediate) {}

  /** Makes sure that this turn ends with its steps. Cheap when already asked. */
  ask(): void {
    if (this.asked) return;
    this.asked = true;
    this.schedule(this.run);
  }

  /**
   * Runs `step` at the end of every turn that was asked for. A step must not throw: it has to turn
   * its own failures into answers. Gives back a function that removes the step.
   */
  onEnd(stage: TurnStage, step: () => void): () => void {
    const list = this.steps[turnStages.indexOf(stage)] as (() => void)[];
    list.push(step);
    return () => {
      const at = list.indexOf(step);
      if (at >= 0) list.splice(at, 1);
    };
  }

  /** Ends the turn now; for closing, and for specs. */
  end(): void {
    for (const stage of this.steps) for (const step of stage) step();
  }
}
