import http from 'node:http';
import https from 'node:https';
import { messageOf, type Clock, type Logger, type Timer } from '@nestjs-rocketmq/foundation';
import { ClientConfigurationError, NameServerUnreachableError } from './client.errors.js';
import { readAddresses, type NameServers } from './name-servers.js';

/** Java: every two minutes. */
export const addressServerInterval = 120_000;
const requestTimeout = 3_000;

export interface AddressServerOptions {
  readonly url: string;
  /** Asks for the list of a unit, as Java's client does. */
  readonly unitName: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Answers the text behind a URL. */
  readonly get?: (url: string, signal: AbortSignal) => Promise<string>;
}

/** The longest list that is read. */
const mostBytes = 1024 * 1024;

/** Over a connection of its own, so that none stays open. */
function getText(url: string, signal: AbortSignal): Promise<string> {
  const { get } = url.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > mostBytes) answer.destroy(new Error('it answered with far too much'));
      });
      answer.on('error', reject);
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(text);
        else reject(new Error(`it answered with status ${answer.statusCode}`));
      });
    });
    request.on('error', reject);
  });
}

/** The URL that is asked; throws `ClientConfigurationError` for one that is none. */
function urlOf({ url, unitName }: AddressServerOptions): string {
  const isUrl = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (!isUrl) {
    throw new ClientConfigurationError(
      `The option 'nameServerAddressUrl' must be a URL such as 'http://host:8080/rocketmq/nsaddr', ` +
        `but is '${url}'.`,
      { details: { url } },
    );
  }
  return unitName === undefined || unitName === '' ? url : `${url}-${unitName}?nofix=1`;
}

/**
 * Asks a web server for the list of name servers, at the start and every two minutes. While it cannot be
 * had, the last good list stays in use.
 */
export class AddressServer {
  private readonly url: string;
  private readonly closing = new AbortController();
  private timer: Timer | undefined;
  private asking: Promise<void> | undefined;
  private isFailing = false;

  /** `onGone` is told of addresses that are not in a new list any more. */
  constructor(
    private readonly options: AddressServerOptions,
    private readonly nameServers: NameServers,
    private readonly onGone: (addresses: readonly string[]) => void,
  ) {
    this.url = urlOf(options);
  }

  /** Begins to ask again and again. */
  start(): void {
    const { clock } = this.options;
    this.timer = clock.every(addressServerInterval, () => void this.refresh());
    void this.refresh();
  }

  /** Resolves when there is a list. Rejects with `NameServerUnreachableError`. */
  async ready(): Promise<void> {
    if (this.nameServers.addresses.length > 0) return;
    const problem = await this.refresh();
    if (this.nameServers.addresses.length > 0) return;
    throw new NameServerUnreachableError(
      `No name server is known: ${this.url} gave no list (${messageOf(problem)}); ` +
        "check the option 'nameServerAddressUrl' and that it can be reached.",
      { cause: problem, details: { url: this.url } },
    );
  }

  close(): void {
    this.timer?.cancel();
    this.closing.abort(new Error('The client is closed.'));
  }

  /** Answers why no new list could be had. */
  private async refresh(): Promise<unknown> {
    let problem: unknown;
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    await this.asking.catch((error: unknown) => (problem = error));
    const { logger } = this.options;
    if (problem !== undefined && !this.isFailing && !this.closing.signal.aborted) {
      const fields = { url: this.url, error: messageOf(problem) };
      logger.warn('The list of name servers cannot be had; the last one stays in use.', fields);
    }
    this.isFailing = problem !== undefined;
    return problem;
  }

  private async ask(): Promise<void> {
    const { get = getText, clock, logger } = this.options;
    const late = new AbortController();
    const timer = clock.after(requestTimeout, () =>
      late.abort(new Error(`it did not answer within ${requestTimeout} ms`)),
    );
    try {
      const text = await get(this.url, AbortSignal.any([late.signal, this.closing.signal]));
      const addresses = readAddresses(text.trim().split(/[\r\n]/)[0]);
      if (addresses.length === 0) throw new Error('its answer is empty');
      const before = this.nameServers.addresses;
      const gone = this.nameServers.replace(addresses);
      if (before.join() !== addresses.join()) {
        logger.info('The list of name servers is new.', { addresses });
      }
      if (gone.length > 0) this.onGone(gone);
    } catch (error) {
      throw reasonOf(error);
    } finally {
      timer.cancel();
    }
  }
}

/** Whoever aborts says why; Node hides that in the cause of its error. */
function reasonOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error ? cause : error;
}
