import { Module } from '@nestjs/common';
import { TopicOpener } from './topics.js';

@Module({ providers: [TopicOpener], exports: [TopicOpener] })
export class MessagingModule {}
