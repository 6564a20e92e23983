import { Controller, Get, HttpStatus, Query, Res } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiTags } from '@nestjs/swagger';
import { RequestError } from '../sample.errors.js';
import { CHECK_MODES, CheckService } from './check.service.js';
import type { CheckMode } from './check.service.js';

interface Reply {
  status(code: number): unknown;
}

@ApiTags('check')
@Controller('api/check')
export class CheckController {
  constructor(private readonly checks: CheckService) {}

  @Get()
  @ApiOperation({ summary: 'Do the books agree? 200 when they do, 409 with the ids when not.' })
  @ApiQuery({ name: 'mode', enum: CHECK_MODES, required: false })
  async check(@Res({ passthrough: true }) reply: Reply, @Query('mode') mode = 'full') {
    if (!isMode(mode)) {
      throw new RequestError(`mode=${mode} is not one of ${CHECK_MODES.join(', ')}.`, {
        details: { mode },
      });
    }
    const rows = await this.checks.run(mode);
    const isGood = rows.every((row) => row.offending.length === 0);
    reply.status(isGood ? HttpStatus.OK : HttpStatus.CONFLICT);
    return { mode, ok: isGood, rows };
  }
}

function isMode(text: string): text is CheckMode {
  return (CHECK_MODES as readonly string[]).includes(text);
}
