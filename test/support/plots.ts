/** Plots for reports, as SVG: drawn without a browser, the same bytes for the same figures. */
import { init } from 'echarts';

export interface Series {
  readonly name: string;
  readonly kind: 'line' | 'points';
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A stretch of the x axis that is shaded, with a short label above it. */
export interface Band {
  readonly from: number;
  readonly to: number;
  readonly label: string;
}

export interface Axis {
  readonly name: string;
  /** Default: linear. */
  readonly scale?: 'log';
}

export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly bands?: readonly Band[];
  /** px; default 960 by 320. */
  readonly width?: number;
  readonly height?: number;
}

const COLOURS = ['#1f6fb4', '#d95f02', '#1b9e77', '#7b52ab', '#b8860b', '#777777'];
const FONT = 'system-ui, sans-serif';

/** An SVG document. */
export function plotSvg({ title, x, y, series, bands = [], width = 960, height = 320 }: Plot): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({
      animation: false,
      backgroundColor: '#ffffff',
      color: COLOURS,
      textStyle: { fontFamily: FONT },
      title: { text: title, left: 8, top: 4, textStyle: { fontSize: 14, fontWeight: 'normal' } },
      legend: { right: 8, top: 4 },
      grid: { left: 64, right: 16, top: 56, bottom: 44 },
      xAxis: axisOf(x, 28),
      yAxis: axisOf(y, 44),
      series: series.map((one, at) => ({ ...lineOf(one), ...(at === 0 ? { markArea: areasOf(bands) } : {}) })),
    });
    return `${withoutCounter(chart.renderToSVGString())}\n`;
  } finally {
    chart.dispose();
  }
}

function axisOf({ name, scale }: Axis, gap: number) {
  const type = scale === 'log' ? ('log' as const) : ('value' as const);
  return { type, name, nameLocation: 'middle' as const, nameGap: gap, splitLine: { lineStyle: { color: '#eeeeee' } } };
}

function lineOf({ name, kind, points }: Series) {
  const data = points.map((point) => [...point]);
  if (kind === 'points') return { name, type: 'scatter' as const, symbolSize: 4, data };
  return { name, type: 'line' as const, showSymbol: false, lineStyle: { width: 1.5 }, data };
}

function areasOf(bands: readonly Band[]) {
  return {
    silent: true,
    itemStyle: { color: 'rgba(200, 60, 60, 0.12)' },
    label: { color: '#a03030', fontSize: 10 },
    data: bands.map(({ from, to, label }) => [{ xAxis: from, name: label }, { xAxis: to }] as [object, object]),
  };
}

/** Names of clip paths and classes have a number that counts the charts of this process. */
function withoutCounter(svg: string): string {
  return svg.replaceAll(/zr\d+-/g, 'zr-');
}
