/// YUV to RGB, BT.601 in full range, in whole numbers: the rule of `mobile/interface/camera_frames.py`.
enum YUV {
    static let redFromV: Int32 = 91881
    static let greenFromU: Int32 = -22554
    static let greenFromV: Int32 = -46802
    static let blueFromU: Int32 = 116130
    static let half: Int32 = 32768
    static let shift: Int32 = 16

    @inline(__always)
    static func rgb(_ luma: UInt8, _ chromaU: UInt8, _ chromaV: UInt8) -> (red: UInt8, green: UInt8, blue: UInt8) {
        let (y, u, v) = (Int32(luma), Int32(chromaU) - 128, Int32(chromaV) - 128)
        return (
            clamp(y + ((redFromV * v + half) >> shift)),
            clamp(y + ((greenFromU * u + greenFromV * v + half) >> shift)),
            clamp(y + ((blueFromU * u + half) >> shift))
        )
    }

    @inline(__always)
    private static func clamp(_ value: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: max(0, min(255, value)))
    }
}
