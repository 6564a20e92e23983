import { Permission } from '@nestjs-rocketmq/protocol';

export const readAndWrite = Permission.read | Permission.write;

export function isReadable(perm: number): boolean {
  return (perm & Permission.read) !== 0;
}

export function isWritable(perm: number): boolean {
  return (perm & Permission.write) !== 0;
}

export function isInherited(perm: number): boolean {
  return (perm & Permission.inherit) !== 0;
}
