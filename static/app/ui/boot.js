/** What the server wrote into the page. */
const element = document.getElementById("boot");
/** @type {{ debug?: boolean, version?: string, registration?: string }} */
const boot = element?.textContent ? JSON.parse(element.textContent) : {};

export const debug = boot.debug === true;
export const registrationOpen = boot.registration !== "closed";
