/** Some items of a list, in its order. A page may be shorter than `limit`, even empty, and not the last one. */
export interface Page<T> {
  items: T[];
  /** What the next page begins with; absent at the end. */
  nextCursor?: string;
}

/**
 * A list. Iterating gives every item, and asks for a page when it is needed:
 *
 *     for await (const webhook of client.webhooks.list()) console.log(webhook.url);
 *
 * Each iteration begins with the first page.
 */
export class Pages<T> implements AsyncIterable<T> {
  constructor(private readonly read: (cursor?: string) => Promise<Page<T>>) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for await (const page of this.pages()) yield* page.items;
  }

  /** The pages themselves, each with the cursor of the next. */
  async *pages(): AsyncGenerator<Page<T>> {
    let page = await this.read();
    yield page;
    while (page.nextCursor) {
      page = await this.read(page.nextCursor);
      yield page;
    }
  }

  /** The first item; undefined where there is none. */
  async first(): Promise<T | undefined> {
    for await (const item of this) return item;
    return undefined;
  }

  /** Every item. */
  async all(): Promise<T[]> {
    const items: T[] = [];
    for await (const item of this) items.push(item);
    return items;
  }
}
