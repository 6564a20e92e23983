/** Imports everything that has peers of its own; compiled where they are installed. */
import * as consistency from 'nestjs-rocketmq/consistency';
import * as microservices from 'nestjs-rocketmq/microservices';
import * as testing from '@nestjs-rocketmq/testing';

for (const [name, face] of Object.entries({ consistency, microservices, testing })) {
  console.log(`${name}: ${Object.keys(face).length > 0 ? 'loaded' : 'empty'}`);
}
