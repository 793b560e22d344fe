/** HTML elements in one call. */

type Attributes = Record<string, string>;

/** Make an element with attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Make a button that says what it does and does it. */
export function button(words: string, title: string, run: () => void): HTMLButtonElement {
  const element = make('button', { type: 'button', title }, words);
  element.addEventListener('click', run);
  return element;
}
