import { Controller, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { RequestError } from '../sample.errors.js';
import { GatewayNotifier } from './gateway.notifier.js';
import { OUTCOMES } from './gateway.service.js';
import type { Outcome } from './gateway.service.js';

@ApiTags('simulated gateway')
@Controller('gateway')
export class GatewayController {
  constructor(private readonly notifier: GatewayNotifier) {}

  @Post('pay/:payId')
  @HttpCode(200)
  @ApiOperation({ summary: 'The payer pays; the gateway then calls /payments/callback.' })
  @ApiQuery({ name: 'outcome', enum: OUTCOMES, required: false })
  async pay(@Param('payId') payId: string, @Query('outcome') outcome = 'ok') {
    if (!isOutcome(outcome)) {
      throw new RequestError(`outcome=${outcome} is not one of ${OUTCOMES.join(', ')}.`, {
        details: { outcome },
      });
    }
    return { payId, ...(await this.notifier.pay(payId, outcome)) };
  }
}

function isOutcome(text: string): text is Outcome {
  return (OUTCOMES as readonly string[]).includes(text);
}
