import type { View, ViewName } from './types.js';

/** One axis of object space with a direction: 0 is x, 1 is y, 2 is z. */
export interface SignedAxis {
  axis: 0 | 1 | 2;
  sign: 1 | -1;
}

/** The picture's right and up edges and the way to the camera, as axes of object space. */
export interface CameraAxes {
  right: SignedAxis;
  up: SignedAxis;
  toCamera: SignedAxis;
}

const x = { axis: 0, sign: 1 } as const;
const y = { axis: 1, sign: 1 } as const;
const z = { axis: 2, sign: 1 } as const;
const minusX = { axis: 0, sign: -1 } as const;
const minusZ = { axis: 2, sign: -1 } as const;

/** Right-handed: `right` x `up` = `toCamera` for every view. */
export const cameraAxes: Readonly<Record<ViewName, CameraAxes>> = {
  front: { right: x, up: y, toCamera: z },
  left: { right: z, up: y, toCamera: minusX },
  back: { right: minusX, up: y, toCamera: minusZ },
  right: { right: minusZ, up: y, toCamera: x },
  top: { right: x, up: minusZ, toCamera: y },
};

/** What of a view says where the object lies in its picture. */
export type Placement = Pick<View, 'name' | 'metresPerPixelX' | 'metresPerPixelY' | 'centreX' | 'baseY'>;

/** The picture position, in pixels from its top left corner, at which a point of object space is seen. */
export function project(view: Placement, point: readonly [number, number, number]): { u: number; v: number } {
  const { right, up } = cameraAxes[view.name];
  return {
    u: view.centreX + (right.sign * point[right.axis]) / view.metresPerPixelX,
    v: view.baseY - (up.sign * point[up.axis]) / view.metresPerPixelY,
  };
}
