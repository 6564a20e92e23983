import { Controller, Get, HttpStatus, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Readiness } from './readiness.js';

interface Reply {
  status(code: number): unknown;
}

@ApiTags('operation')
@Controller()
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Get('healthz')
  @ApiOperation({ summary: 'The process lives.' })
  health() {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOperation({ summary: 'Database and broker can be used: 200, else 503 with what is missing.' })
  async ready(@Res({ passthrough: true }) reply: Reply) {
    const missing = await this.readiness.missing();
    if (missing.length > 0) reply.status(HttpStatus.SERVICE_UNAVAILABLE);
    return { status: missing.length === 0 ? 'ready' : 'not ready', missing };
  }
}
