import { html } from "htm/preact";

/**
 * Puts the sprite into the page, once. It comes with the page's other files and stays, so icons
 * are there without a connection too; without it everything still has its words.
 */
export async function loadIcons() {
  const address = document.documentElement.dataset.sprite;
  if (!address) return;
  try {
    const sprite = document.importNode((await fetchSvg(address)).documentElement, true);
    sprite.setAttribute("hidden", "");
    sprite.setAttribute("aria-hidden", "true");
    document.body.append(sprite);
  } catch (reason) {
    console.warn("The icons didn't load.", reason);
  }
}

/**
 * The browser's own parser reads it on the way in: the page's policy (Trusted Types) lets no script
 * make markup out of text, so neither this one.
 * @param {string} address
 * @returns {Promise<Document>}
 */
function fetchSvg(address) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("GET", address);
    request.responseType = "document";
    request.overrideMimeType("image/svg+xml");
    request.onload = () => {
      const found = request.responseXML;
      if (found?.documentElement.localName === "svg") resolve(found);
      else reject(new Error(`no SVG at ${address} (${request.status})`));
    };
    request.onerror = () => reject(new Error(`no answer from ${address}`));
    request.send();
  });
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
