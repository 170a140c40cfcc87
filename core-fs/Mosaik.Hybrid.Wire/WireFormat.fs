namespace Mosaik.Hybrid.Wire
