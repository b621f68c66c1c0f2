/// Resizes squares in whole numbers by the rule of `mobile/interface/resize_rule.py`; weights are worked out once.
public final class SquareResizer {
    public let side: Int
    public let size: Int
    private let method: Method

    private enum Method {
        case copy
        case area(AreaWeights)
        case bilinear(BilinearTaps)
    }

    /// From `side` x `side` to `size` x `size` pixels.
    public init(side: Int, size: Int) {
        precondition(side > 0 && size > 0)
        self.side = side
        self.size = size
        if side > size {
            method = .area(AreaWeights(side: side, size: size))
        } else if side < size {
            method = .bilinear(BilinearTaps(side: side, size: size))
        } else {
            method = .copy
        }
    }

    /// The resized picture of a square one.
    public func resize(_ square: Picture) -> Picture {
        precondition(square.height == side && square.width == side)
        switch method {
        case .copy: return square
        case .area(let weights): return weights.apply(to: square)
        case .bilinear(let taps): return taps.apply(to: square)
        }
    }
}
