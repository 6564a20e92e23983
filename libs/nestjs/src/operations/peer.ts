import { messageOf } from '@nestjs-rocketmq/foundation';
import { RocketMQSetupError } from '../nestjs.errors.js';

/**
 * Loads a package that applications install only when they want what stands on it. Rejects with
 * `RocketMQSetupError` that says how to get it when it is not there.
 */
export async function loadPeer<T>(who: string, name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const sentence =
      `RocketMQModule: '${who}' needs the package ${name}, which cannot be loaded ` +
      `(${messageOf(error)}); run npm install ${name}, or leave '${who}' out`;
    throw new RocketMQSetupError([{ code: 'ROCKETMQ_PEER_MISSING', sentence }]);
  }
}
