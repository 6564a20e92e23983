import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { GatewayController } from './gateway.controller.js';
import { gatewayEntities } from './gateway.entities.js';
import { GatewayNotifier } from './gateway.notifier.js';
import { GatewayService } from './gateway.service.js';

@Module({
  imports: [TypeOrmModule.forFeature(gatewayEntities)],
  controllers: [GatewayController],
  providers: [GatewayService, GatewayNotifier],
  exports: [GatewayService],
})
export class GatewayModule {}
