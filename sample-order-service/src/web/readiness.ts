import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { databaseTime } from '../database/database-time.js';
import { TopicOpener } from '../messaging/topics.js';

/** Whether the service can do its work. */
@Injectable()
export class Readiness {
  constructor(
    @InjectDataSource() private readonly dataSource: DataSource,
    private readonly topics: TopicOpener,
  ) {}

  /** What is missing, as sentences; empty when nothing is. */
  async missing(): Promise<string[]> {
    const missing: string[] = [];
    try {
      await databaseTime(this.dataSource.manager);
    } catch (error) {
      missing.push(`The database does not answer: ${String(error)}`);
    }
    if (!this.topics.isOpen) missing.push('The broker has not yet taken a message of ours.');
    return missing;
  }
}
