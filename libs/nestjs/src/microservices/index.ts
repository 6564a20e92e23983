/** Transport of `@nestjs/microservices`. */
export {};
