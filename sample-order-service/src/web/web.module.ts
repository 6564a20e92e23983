import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { InventoryModule } from '../inventory/inventory.module.js';
import { MessagingModule } from '../messaging/messaging.module.js';
import { OrdersModule } from '../orders/orders.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { PointsModule } from '../points/points.module.js';
import { CheckController } from './check.controller.js';
import { CheckService } from './check.service.js';
import { SampleErrorFilter } from './error.filter.js';
import { HealthController } from './health.controller.js';
import { OrderView } from './order-view.js';
import { Readiness } from './readiness.js';
import { ShopController } from './shop.controller.js';

/** The HTTP interface; owns no data. */
@Module({
  imports: [OrdersModule, InventoryModule, PaymentsModule, PointsModule, MessagingModule],
  controllers: [ShopController, CheckController, HealthController],
  providers: [
    OrderView,
    CheckService,
    Readiness,
    { provide: APP_FILTER, useClass: SampleErrorFilter },
  ],
})
export class WebModule {}
