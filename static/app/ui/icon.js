import { html } from "htm/preact";

/**
 * Puts the sprite into the page, once. It comes with the page's other files and stays, so icons
 * are there without a connection too; without it everything still has its words.
 */
export async function loadIcons() {
  const address = document.documentElement.dataset.sprite;
  if (!address) return;
  try {
    const answer = await fetch(address);
    const { documentElement } = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
    if (documentElement.localName !== "svg") return;
    documentElement.setAttribute("hidden", "");
    documentElement.setAttribute("aria-hidden", "true");
    document.body.append(document.importNode(documentElement, true));
  } catch (reason) {
    console.warn("The icons didn't load.", reason);
  }
}

/**
 * A Lucide icon of the sprite. Decorative: the name of a control stands in its text.
 * @param {{ name: string, size?: 14 | 16 | 18 | 20 | 24, flip?: boolean }} props
 *   `flip`: mirrored in right-to-left interfaces.
 */
export function Icon({ name, size = 20, flip = false }) {
  const classes = `icon icon-${size}${flip ? " icon-flip" : ""}`;
  return html`<svg class=${classes} aria-hidden="true"><use href=${`#icon-${name}`} /></svg>`;
}
