export * from './filter.errors.js';
export * from './tag-filter.js';
