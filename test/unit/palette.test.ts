import t from 'tap';
import { contrast, palettesOf } from '../../src/pages/palette.ts';

const cards = { light: '#ffffff', dark: '#1b2024' };

t.test('whatever the brand, its text and the text on it can be read', async (t) => {
  const levels = ['00', '33', '66', '99', 'cc', 'ff'];
  const colors = levels.flatMap((r) => levels.flatMap((g) => levels.map((b) => `#${r}${g}${b}`)));
  for (const color of [...colors, '#0f5c5c', '#777777', '#808080']) {
    for (const [scheme, palette] of Object.entries(palettesOf(color, cards))) {
      const { brand, brandHover, onBrand, brandInk, tint } = palette;
      const pairs = [
        [onBrand, brand],
        [onBrand, brandHover],
        [brandInk, tint],
        [brandInk, cards[scheme as keyof typeof cards]],
      ] as const;
      const poor = pairs.filter(([text, ground]) => contrast(text, ground) < 4.5);
      if (poor.length > 0) t.fail(`${color} ${scheme}`, { poor });
    }
  }
  t.pass(`${colors.length} colours`);
});

t.test('in the light a brand is shown as it is, in the dark in the same hue', async (t) => {
  t.equal(palettesOf('#ffb900', cards).light.brand, '#ffb900');
  const { brand } = palettesOf('#004080', cards).dark;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(brand.slice(at, at + 2), 16));
  t.ok(blue > green && green > red, `${brand} is still blue`);
  t.equal(contrast('#000000', '#ffffff'), 21);
});
