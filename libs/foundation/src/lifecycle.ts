/** Something that must be closed by whoever opened it. */
export interface Resource {
  close(): Promise<void> | void;
}

/**
 * Closes what was opened, in reverse order.
 *
 * Every close is tried even when one fails; the failures come together as an `AggregateError` (or
 * the single error itself). A second `close` waits for the first.
 */
export class ResourceStack implements Resource, AsyncDisposable {
  private readonly closers: (() => Promise<void> | void)[] = [];
  private closing: Promise<void> | undefined;

  /** Takes over a resource and gives it back. */
  use<T extends Resource>(resource: T): T {
    this.defer(() => resource.close());
    return resource;
  }

  /** Runs `close` when the stack is closed. */
  defer(close: () => Promise<void> | void): void {
    if (this.closing !== undefined) throw new TypeError('This resource stack is already closed.');
    this.closers.push(close);
  }

  close(): Promise<void> {
    this.closing ??= this.closeAll();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  private async closeAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let close = this.closers.pop(); close !== undefined; close = this.closers.pop()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, 'Several things failed to close.');
  }
}
