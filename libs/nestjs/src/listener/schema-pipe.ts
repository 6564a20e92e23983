import { BadRequestException, type PipeTransform } from '@nestjs/common';
import type { StandardSchema } from '../decorators/standard-schema.js';

/** Runs a Standard Schema where no pipe of the application does. */
export class SchemaPipe implements PipeTransform {
  constructor(private readonly schema: StandardSchema) {}

  async transform(value: unknown): Promise<unknown> {
    const result = await this.schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw new BadRequestException(result.issues.map(sentenceOf));
  }
}

/** `items.0.sku: Expected string`, as Nest's own pipe for schemas has it. */
function sentenceOf({
  message,
  path,
}: {
  readonly message: string;
  readonly path?: readonly unknown[] | undefined;
}): string {
  const names = (path ?? []).map((step) =>
    String(typeof step === 'object' && step !== null ? (step as { key: unknown }).key : step),
  );
  return names.length === 0 ? message : `${names.join('.')}: ${message}`;
}
