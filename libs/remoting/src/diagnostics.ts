import { channel } from 'node:diagnostics_channel';

/** A connection opened or closed, by either side. */
export interface PeerEvent {
  /** `host:port` of the other side. */
  readonly remoteAddress: string;
  readonly side: 'client' | 'server';
  readonly error?: Error | undefined;
}

/** A request that this process sent came to an end. */
export interface InvokeEvent {
  readonly remoteAddress: string;
  /** Apache's name of the request code. */
  readonly command: string;
  /** Response code; undefined when there was no answer. */
  readonly code?: number | undefined;
  readonly error?: Error | undefined;
}

/** A request to a cold handler was answered. Hot commands are counted by their processors. */
export interface HandleEvent {
  readonly remoteAddress: string;
  readonly command: string;
  readonly code: number;
}

/** Names of the diagnostics channels, for `node:diagnostics_channel`. Payload types above. */
export const diagnosticsChannels = {
  peerOpened: 'nestjs-rocketmq:remoting:peer-opened',
  peerClosed: 'nestjs-rocketmq:remoting:peer-closed',
  invoked: 'nestjs-rocketmq:remoting:invoked',
  handled: 'nestjs-rocketmq:remoting:handled',
} as const;

export const peerOpened = channel(diagnosticsChannels.peerOpened);
export const peerClosed = channel(diagnosticsChannels.peerClosed);
export const invoked = channel(diagnosticsChannels.invoked);
export const handled = channel(diagnosticsChannels.handled);
