// Returns the problems of the current page. `actions` contains the expected primary actions.

const problems = [];
const expect = (isFine, problem) => { if (!isFine) problems.push(problem); };
const all = (selector) => [...document.querySelectorAll(selector)];
const text = (element) => element.innerText.trim();

// Structure.
expect(document.documentElement.lang === 'en', 'no language');
expect(document.title.includes('REHEARSAL'), 'the title does not say REHEARSAL');
expect(text(document.querySelector('header')).startsWith('REHEARSAL'), 'the banner does not say REHEARSAL');
for (const landmark of ['header', 'main', 'h1']) {
    expect(all(landmark).length === 1, `${all(landmark).length} ${landmark}`);
}
const ids = all('[id]').map((element) => element.id);
expect(new Set(ids).size === ids.length, 'an id is not unique');
for (const input of all('input:not([type=hidden])')) {
    expect(input.labels.length === 1 && text(input.labels[0]), `${input.name} has no label`);
}
for (const group of all('fieldset')) {
    expect(group.querySelector('legend'), 'a group has no legend');
}
for (const error of all('.error')) {
    expect(error.getAttribute('role') === 'alert', 'an error is not announced');
}

// Nothing comes from elsewhere, and nothing runs.
expect(all('script, iframe, img, link:not([rel=icon])').length === 0, 'a script or a resource');
const loaded = performance.getEntriesByType('resource').filter((entry) => !entry.name.startsWith('data:'));
expect(loaded.length === 0, `loads ${loaded.map((entry) => entry.name)}`);

// One primary action. The first field to fill in has the focus, or else the action, or else the heading.
const found = all('.primary').map(text);
expect(JSON.stringify(found) === JSON.stringify(actions), `primary actions: ${found}`);
const field = document.querySelector('main :is(input[type=text], input[type=email], input[type=password])');
const target = field ?? document.querySelector('.primary') ?? document.querySelector('h1');
const focused = document.activeElement;
expect(focused === target, `the focus is on ${focused.outerHTML}`);
if (focused.tagName !== 'H1') {
    const style = getComputedStyle(focused);
    expect(style.outlineStyle === 'solid' && parseFloat(style.outlineWidth) >= 2, 'the focus is not visible');
}

// Nothing is cut off, and fingers can hit all buttons.
const width = document.documentElement.clientWidth;
expect(document.documentElement.scrollWidth <= width, `scrolls to ${document.documentElement.scrollWidth} px`);
for (const button of all('.button')) {
    const box = button.getBoundingClientRect();
    expect(box.height >= 40 && box.left >= 0 && box.right <= width, `${text(button)} is too small, or cut off`);
}

// Contrast: 4.5:1 for text, 3:1 for the borders of fields.
const channels = (color) => {
    const numbers = color.match(/[\d.]+/g).map(Number);
    return numbers.length === 3 ? [...numbers, 1] : numbers;
};
const over = ([r, g, b, alpha], below) => [r, g, b].map((value, i) => value * alpha + below[i] * (1 - alpha));
const background = (element) => {
    if (!element) return [255, 255, 255];
    const color = channels(getComputedStyle(element).backgroundColor);
    return color[3] === 1 ? color.slice(0, 3) : over(color, background(element.parentElement));
};
const luminance = (color) => {
    const [r, g, b] = color.map((value) => {
        const part = value / 255;
        return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
    const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
};
const checkContrast = (element, color, behind, minimum, what) => {
    const ratio = contrast(over(channels(color), behind), behind);
    expect(ratio >= minimum, `${what} of ${element.className || element.tagName}: ${ratio.toFixed(2)}`);
};
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() && element.getClientRects().length > 0) {
        checkContrast(element, getComputedStyle(element).color, background(element), 4.5, 'text');
    }
}
for (const input of all('.field input')) {
    checkContrast(input, getComputedStyle(input).color, background(input), 4.5, 'text');
    checkContrast(input, getComputedStyle(input).borderTopColor, background(input.parentElement), 3, 'border');
}
const isDark = matchMedia('(prefers-color-scheme: dark)').matches;
expect((luminance(background(document.body)) < 0.2) === isDark, 'does not follow the color scheme');

return problems;
