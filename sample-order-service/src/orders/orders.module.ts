import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { InventoryModule } from '../inventory/inventory.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { HalfMessageFlow } from './half-message.flow.js';
import { orderEntities } from './order.entities.js';
import { OrderClosing } from './order-closing.js';
import { OrderEventsListener } from './order-events.listener.js';
import { OrderFlow } from './order-flow.js';
import { OrderOutbox } from './order-outbox.js';
import { OrderingService } from './ordering.service.js';
import { OrdersAudit } from './orders.audit.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [TypeOrmModule.forFeature(orderEntities), InventoryModule, PaymentsModule],
  providers: [
    OrdersService,
    HalfMessageFlow,
    { provide: OrderFlow, useExisting: HalfMessageFlow },
    OrderClosing,
    OrderOutbox,
    OrderingService,
    OrderEventsListener,
    OrdersAudit,
  ],
  exports: [OrdersService, OrderingService, OrdersAudit],
})
export class OrdersModule {}
