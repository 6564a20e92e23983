import type { ClientVersion, ServerVersion } from '../../support/java.js';
import type { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import type { End } from './turns.js';

/** Who has the store in a round: our broker, or an official one. */
export type Holder = 'ours' | ServerVersion;

/** Who has the store one after the other. The last one only looks at what the others left. */
export interface Plan {
  readonly name: string;
  readonly client: ClientVersion;
  readonly holders: readonly Holder[];
  /** How the rounds end; by the seed when nothing is said. */
  readonly ends?: readonly End[];
  /** The group that consumes. */
  readonly group: string;
  /** No transaction is open when a round ends, and the broker has passed over all of them. */
  readonly isSettled?: boolean;
}

/** Ours and Java's in turn. */
export function inTurn(version: ServerVersion, rounds: number): Plan {
  return {
    name: version,
    client: version === '4.9.7' ? '4.9.8' : version,
    holders: Array.from({ length: rounds + 1 }, (_, round) => (round % 2 === 0 ? 'ours' : version)),
    group: groupOf(version),
  };
}

/**
 * A store of 5.3.3 in the hands of 4.9.7, by way of ours. 4.9.7 reads one offset in an op message where
 * 5.x writes several, so it can go on only behind transactions that are settled.
 */
export function downgrade(): Plan {
  return {
    name: '5.3.3 to 4.9.7',
    client: '4.9.8',
    holders: ['5.3.3', 'ours', '5.3.3', '4.9.7', 'ours'],
    ends: ['closed', 'closed', 'closed', 'closed'],
    group: 'steady-downgrade',
    isSettled: true,
  };
}

/**
 * With 5.3.3 its name is so long that its retry topic has more than 127 bytes and the records there are
 * of version 2; 4.9.7 has no such records, and 5.5.0 no such groups.
 */
function groupOf(version: ServerVersion): string {
  const name = `steady-${version.replaceAll('.', '')}`;
  return version === '5.3.3' ? name.padEnd(121, '-long') : name;
}

/** How the rounds end: of the two ends of each side one is good and one a kill, by the seed. */
export function endsOf(random: SeededRandom, rounds: number): End[] {
  const ends: End[] = [];
  while (ends.length < rounds) {
    const ours: End = random.chance(0.5) ? 'closed' : 'killed';
    const javas: End = random.chance(0.5) ? 'closed' : 'killed';
    const other = (end: End): End => (end === 'closed' ? 'killed' : 'closed');
    ends.push(ours, javas, other(ours), other(javas));
  }
  return ends.slice(0, rounds);
}

/**
 * Whether the broker of a round tells its address as IPv6: in every other pair of rounds. 5.x must not
 * go back from that (`java-address.history.ts` shows why), so where it has a part, IPv6 begins with the
 * second half, and 5.x keeps to it.
 */
export function isOverIpv6(plan: Plan, round: number, seed: number): boolean {
  const { holders } = plan;
  const isInPair = (round + seed) % 4 < 2;
  const isSince5 = (holder: Holder | undefined) => holder?.startsWith('5.') ?? false;
  if (!holders.some(isSince5)) return isInPair;
  if (round < (holders.length - 1) / 2) return false;
  return isSince5(holders[round]) || isInPair;
}
