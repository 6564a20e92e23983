import { Body, Controller, Get, Headers, HttpCode, Param, Post } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { InventoryService } from '../inventory/inventory.service.js';
import { OrderingService } from '../orders/ordering.service.js';
import { OrdersService } from '../orders/orders.service.js';
import { PointsService } from '../points/points.service.js';
import { RequestError } from '../sample.errors.js';
import { PlaceOrderDto } from './order.dto.js';
import { OrderView } from './order-view.js';

const KEY_LENGTH = 80;

@ApiTags('shop')
@Controller('api')
export class ShopController {
  constructor(
    private readonly ordering: OrderingService,
    private readonly orders: OrdersService,
    private readonly inventory: InventoryService,
    private readonly points: PointsService,
    private readonly view: OrderView,
  ) {}

  @Get('products')
  @ApiOperation({ summary: 'What is sold here; prices in cents.' })
  async products() {
    const products = await this.inventory.products();
    return products.map(({ sku, name, price, onHand }) => ({ sku, name, price, onHand }));
  }

  @Post('orders')
  @ApiOperation({ summary: 'Place an order. Repeat with the same key after an error.' })
  @ApiHeader({ name: 'Idempotency-Key', required: true, description: 'New for each order.' })
  async place(@Body() request: PlaceOrderDto, @Headers('idempotency-key') key = '') {
    if (key === '' || key.length > KEY_LENGTH) {
      throw new RequestError(
        `Send a header Idempotency-Key of 1 to ${KEY_LENGTH} letters, new for each order and the ` +
          'same when you repeat a request.',
        { details: { key } },
      );
    }
    return this.view.of(await this.ordering.place(request, key));
  }

  @Get('orders/:orderId')
  @ApiOperation({ summary: 'One order, with its pieces, payment and points.' })
  async order(@Param('orderId') orderId: string) {
    return this.view.of(await this.orders.byId(orderId));
  }

  @Get('orders/:orderId/history')
  @ApiOperation({ summary: 'Every status an order ever had.' })
  async history(@Param('orderId') orderId: string) {
    await this.orders.byId(orderId);
    return this.orders.history(orderId);
  }

  @Post('orders/:orderId/pay')
  @HttpCode(200)
  @ApiOperation({ summary: 'Where the order is paid.' })
  async pay(@Param('orderId') orderId: string, @Headers('host') host: string) {
    const payment = await this.ordering.pay(orderId);
    const gatewayUrl = `http://${host}/gateway/pay/${payment.payId}`;
    return { gatewayUrl, payId: payment.payId, amount: payment.amount };
  }

  @Post('orders/:orderId/cancel')
  @HttpCode(200)
  @ApiOperation({ summary: 'Cancel an order that is not paid.' })
  async cancel(@Param('orderId') orderId: string) {
    return this.view.of(await this.ordering.cancel(orderId));
  }

  @Get('users/:userId/points')
  @ApiOperation({ summary: 'The points a user has collected.' })
  async pointsOf(@Param('userId') userId: string) {
    return { userId, points: await this.points.balance(userId) };
  }
}
