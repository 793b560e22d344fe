/** Hands something that may leave to the browser's own downloads. */

export function saveAs(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

export function saveAsJson(value: unknown, name: string): void {
  saveAs(new Blob([JSON.stringify(value, null, 2)], { type: 'application/json' }), name);
}
