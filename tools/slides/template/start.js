// A figure gets the room that the text of its slide leaves. All is measured before reveal.js hides the slides.
const STAGE = { width: 1280, height: 720 };
const LARGEST = 1.45; // times the size in the notebook: beyond that it looks coarse

function fitFigures(slide) {
  const figures = [...slide.querySelectorAll("img")];
  if (!figures.length) return;
  const sizes = figures.map((figure) => figure.getBoundingClientRect());
  const shown = sizes.reduce((sum, size) => sum + size.height, 0);
  const widest = Math.max(...sizes.map((size) => size.width));
  const room = STAGE.height - 32 - (slide.getBoundingClientRect().height - shown);
  const factor = Math.max(0, Math.min(LARGEST, room / shown, figures[0].closest("section > *").clientWidth / widest));
  figures.forEach((figure, i) => { figure.style.height = `${Math.floor(sizes[i].height * factor)}px`; });
}

// Printed lines are not broken: one that is too long makes its block smaller.
function fitLines(block) {
  if (block.scrollWidth <= block.clientWidth) return;
  block.style.fontSize = `${parseFloat(getComputedStyle(block).fontSize) * (block.clientWidth - 8) / block.scrollWidth}px`;
}

async function start() {
  await MathJax.startup.promise;
  await Promise.all([...document.images].map((image) => image.decode()));
  document.querySelectorAll("pre").forEach(fitLines);
  document.querySelectorAll(".slides > section").forEach(fitFigures);
  document.documentElement.dataset.slides = "measured";
  await Reveal.initialize({
    ...STAGE, margin: 0.02, minScale: 0.1, center: false, hash: true, slideNumber: "c/t", transition: "none",
    pdfSeparateFragments: false, pdfMaxPagesPerSlide: 1, plugins: [RevealNotes],
  });
  document.documentElement.dataset.slides = "ready";
}
start();
