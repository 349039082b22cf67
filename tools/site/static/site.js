// On paper nothing can be clicked: what the text asks for and then shows is open there; solutions stay folded.
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("article details:not(.solution):not(.setup):not([open])")) {
    part.open = true;
    part.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const part of document.querySelectorAll("details[data-printed]")) {
    part.open = false;
    delete part.dataset.printed;
  }
});
