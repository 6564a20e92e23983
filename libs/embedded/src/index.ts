export {
  consoleLogger,
  nodeFileSystem,
  silentLogger,
  systemClock,
  type Clock,
  type FileHandle,
  type FileLock,
  type FileSystem,
  type Logger,
} from '@nestjs-rocketmq/foundation';
export { nodeNetwork, type Network } from '@nestjs-rocketmq/remoting';
export * from './embedded-rocketmq.js';
