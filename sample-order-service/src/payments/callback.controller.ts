import { Body, Controller, Headers, HttpCode, Inject, Post } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsInt, IsString, Length, Max, Min } from 'class-validator';
import { isSignedBy, SIGNATURE_HEADER } from '../gateway/signature.js';
import { CallbackRefusedError } from '../sample.errors.js';
import { SETTINGS } from '../settings.js';
import type { Settings } from '../settings.js';
import { PaymentCapture } from './payment-capture.js';
import { PaymentsService } from './payments.service.js';

export class CallbackDto {
  @ApiProperty({ example: 'P-0b7e...' })
  @IsString()
  @Length(1, 40)
  payId!: string;

  @ApiProperty({ description: 'Cents that were taken from the payer.' })
  @IsInt()
  @Min(0)
  @Max(2_147_483_647)
  amount!: number;

  @ApiProperty({ description: "The gateway's number of the charge." })
  @IsString()
  @Length(1, 40)
  reference!: string;
}

/** Where the gateway calls: at least once, perhaps late, perhaps twice at the same time. */
@ApiTags('payments')
@Controller('payments')
export class CallbackController {
  constructor(
    private readonly capture: PaymentCapture,
    private readonly payments: PaymentsService,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Post('callback')
  @HttpCode(200)
  @ApiOperation({ summary: 'The gateway tells, signed, that money was taken.' })
  @ApiHeader({ name: SIGNATURE_HEADER, description: 'HMAC-SHA256 of payId, amount, reference.' })
  async callback(
    @Body() notice: CallbackDto,
    @Headers(SIGNATURE_HEADER) signature = '',
  ): Promise<{ payId: string; accepted: true }> {
    try {
      if (!isSignedBy(notice, signature, this.settings.gatewaySecret)) {
        throw new CallbackRefusedError('The signature is not the gateway’s.', {
          details: { payId: notice.payId },
        });
      }
      await this.capture.accept(notice);
    } catch (error) {
      if (error instanceof CallbackRefusedError) {
        await this.payments.noteRefused(notice.payId, error.message);
      }
      throw error;
    }
    return { payId: notice.payId, accepted: true };
  }
}
