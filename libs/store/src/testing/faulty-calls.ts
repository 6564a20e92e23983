/** Calls that can be told to fail. */
export type FaultyCall =
  'open' | 'read' | 'write' | 'truncate' | 'sync' | 'remove' | 'rename' | 'date';

export interface Fault {
  readonly call: FaultyCall;
  /** Node's code of the error, default EIO. */
  readonly code?: string;
  /** How often it happens, default once. */
  readonly times?: number;
  /** Only for paths that contain this. */
  readonly path?: string;
  /** So many such calls go well before. */
  readonly after?: number;
  /** Told when it happens: a write has written its part, and the call is about to throw. */
  readonly hit?: () => void;
}

interface ArmedFault extends Fault {
  left: number;
  spared: number;
}

/** Which calls of a disk are to fail, and what has broken so far. */
export class FaultyCalls {
  /** What broke, and how often. */
  readonly happened = new Map<string, number>();
  private faults: ArmedFault[] = [];

  arm(fault: Fault): void {
    this.faults.push({ ...fault, left: fault.times ?? 1, spared: fault.after ?? 0 });
  }

  /** Forgets the faults that did not happen yet. */
  clear(): void {
    this.faults = [];
  }

  /** The fault that a call meets. */
  next(call: FaultyCall, path: string): Fault | undefined {
    for (const fault of this.faults) {
      if (fault.call !== call || fault.left === 0 || !path.includes(fault.path ?? '')) continue;
      if (fault.spared > 0) fault.spared -= 1;
      else {
        fault.left -= 1;
        return fault;
      }
    }
    return undefined;
  }

  /** It happens; gives back what the call throws. */
  happen(fault: Fault, path: string): Error {
    const code = fault.code ?? 'EIO';
    this.count(`${code} ${fault.call}`);
    fault.hit?.();
    return systemError(code, `${fault.call} '${path}'`);
  }

  count(what: string): void {
    this.happened.set(what, (this.happened.get(what) ?? 0) + 1);
  }
}

export function systemError(code: string, text: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${text}`), { code });
}
