import { ClientConfigurationError } from './client.errors.js';

const example = "write 'host1:9876;host2:9876'";

function readAddress(text: string): string {
  // An `http://host:port` form is in use with Java clients; the scheme carries no meaning here.
  const address = text.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const colon = address.lastIndexOf(':');
  const port = Number(address.slice(colon + 1));
  if (colon <= 0 || !Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new ClientConfigurationError(
      `'${text}' is no name server address of the form host:port; ${example}.`,
      { details: { nameServer: text } },
    );
  }
  return address;
}

/** Reads the option `nameServers`; throws `ClientConfigurationError` when nothing usable is there. */
export function parseNameServers(given: string | readonly string[] | undefined): string[] {
  const parts = typeof given === 'string' ? [given] : (given ?? []);
  const texts = parts.flatMap((part) => part.split(/[;,]/)).map((text) => text.trim());
  const addresses = [...new Set(texts.filter((text) => text !== '').map(readAddress))];
  if (addresses.length === 0) {
    throw new ClientConfigurationError(
      `No name server is given; set the option 'nameServers': ${example}.`,
    );
  }
  return addresses;
}

/** The list of name servers: one is used and kept until it fails, then the next. */
export class NameServers {
  private current: number;

  constructor(
    readonly addresses: readonly string[],
    start = Math.floor(Math.random() * addresses.length),
  ) {
    this.current = start % addresses.length;
  }

  /** The addresses to try, the one in use first. */
  inOrder(): string[] {
    return [...this.addresses.slice(this.current), ...this.addresses.slice(0, this.current)];
  }

  /** This one answered: keep it. */
  answered(address: string): void {
    const index = this.addresses.indexOf(address);
    if (index >= 0) this.current = index;
  }
}
