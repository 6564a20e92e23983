import { BadRequestException, type PipeTransform } from '@nestjs/common';
import { issueSentence } from '../decorators/schema-issues.js';
import type { StandardSchema } from '../decorators/standard-schema.js';

/** Runs a Standard Schema where no pipe of the application does. */
export class SchemaPipe implements PipeTransform {
  constructor(private readonly schema: StandardSchema) {}

  async transform(value: unknown): Promise<unknown> {
    const result = await this.schema['~standard'].validate(value);
    if (result.issues === undefined) return result.value;
    throw new BadRequestException(result.issues.map(issueSentence));
  }
}
