/** Where the Jupyter server of this page answers. */

// The first part of the path that belongs to a Jupyter page and no longer to the server's base address.
const PAGES = /\/(lab|notebooks|tree|doc|consoles|edit|voila|nbclassic)(\/.*)?$/;

/** Read the base address from the page's configuration; without one, take it from the page's own address. */
export function baseUrl(page: Document = document): string {
  const text = page.getElementById('jupyter-config-data')?.textContent;
  const configured = text ? readBase(text) : null;
  const base = configured ?? page.body?.dataset.baseUrl ?? page.location.pathname.replace(PAGES, '/');
  return base.endsWith('/') ? base : `${base}/`;
}

function readBase(text: string): string | null {
  try {
    const config = JSON.parse(text) as { baseUrl?: unknown };
    return typeof config.baseUrl === 'string' ? config.baseUrl : null;
  } catch {
    return null;
  }
}
