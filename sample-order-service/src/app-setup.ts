import { ValidationPipe } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';

/**
 * What belongs to the HTTP interface but to no module: requests are checked against their classes,
 * and the interface describes itself at /openapi.json, with a page to try it at /docs.
 */
export function setUpHttp(app: INestApplication): void {
  app.useGlobalPipes(new ValidationPipe({ transform: true, whitelist: true }));
  const description = new DocumentBuilder()
    .setTitle('sample-order-service')
    .setDescription('Orders and payments that stay consistent through transactional messages.')
    .setVersion('0.1.0')
    .build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, description), {
    jsonDocumentUrl: 'openapi.json',
  });
}
