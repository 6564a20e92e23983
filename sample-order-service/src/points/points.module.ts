import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PointsOrderListener } from './order-events.listener.js';
import { PointsAudit } from './points.audit.js';
import { pointsEntities } from './points.entities.js';
import { PointsService } from './points.service.js';

@Module({
  imports: [TypeOrmModule.forFeature(pointsEntities)],
  providers: [PointsService, PointsOrderListener, PointsAudit],
  exports: [PointsService, PointsAudit],
})
export class PointsModule {}
