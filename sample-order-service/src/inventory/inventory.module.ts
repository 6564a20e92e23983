import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { InventoryAudit } from './inventory.audit.js';
import { inventoryEntities } from './inventory.entities.js';
import { InventoryService } from './inventory.service.js';
import { InventoryOrderListener } from './order-events.listener.js';

@Module({
  imports: [TypeOrmModule.forFeature(inventoryEntities)],
  providers: [InventoryService, InventoryOrderListener, InventoryAudit],
  exports: [InventoryService, InventoryAudit],
})
export class InventoryModule {}
