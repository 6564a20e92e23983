import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { GatewayModule } from '../gateway/gateway.module.js';
import { CallbackController } from './callback.controller.js';
import { PaymentCapture } from './payment-capture.js';
import { paymentEntities } from './payment.entities.js';
import { PaymentRequestsListener } from './payment-requests.listener.js';
import { PaymentsAudit } from './payments.audit.js';
import { PaymentsService } from './payments.service.js';
import { Reconciliation } from './reconciliation.js';

@Module({
  imports: [TypeOrmModule.forFeature(paymentEntities), GatewayModule],
  controllers: [CallbackController],
  providers: [
    PaymentsService,
    PaymentCapture,
    PaymentRequestsListener,
    Reconciliation,
    PaymentsAudit,
  ],
  exports: [PaymentsService, PaymentsAudit],
})
export class PaymentsModule {}
