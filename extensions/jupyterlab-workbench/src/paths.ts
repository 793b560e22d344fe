/** How the parts of the server's door are addressed; only `api.ts` knocks. */

export type Body = Record<string, unknown>;

/** What sends a request and gives the reply, or throws the server's sentence. */
export interface Line {
  get: <Reply>(path: string) => Promise<Reply>;
  post: <Reply>(path: string, body: Body) => Promise<Reply>;
  read: (method: string, path: string, body?: Body) => Promise<Response>;
}

/** A path in which whatever is put in stays one name. */
export function at(words: TemplateStringsArray, ...names: string[]): string {
  return words.reduce((path, word, index) => path + encodeURIComponent(names[index - 1] ?? '') + word);
}

/** A query string of what is not empty. */
export function asQuery(values: Record<string, string>): string {
  const given = Object.entries(values).filter(([, value]) => value !== '');
  return given.length ? `?${new URLSearchParams(given).toString()}` : '';
}
