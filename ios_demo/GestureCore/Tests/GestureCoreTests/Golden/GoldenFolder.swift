import Foundation
import XCTest

@testable import GestureCore

/// The folder of golden vectors that the environment variable STH_GOLDEN names.
struct GoldenFolder {
    let url: URL
    let manifest: GoldenManifest

    init() throws {
        guard let path = ProcessInfo.processInfo.environment["STH_GOLDEN"] else {
            throw XCTSkip("STH_GOLDEN names no folder; python -m mobile.golden --model STREAM --out DIR makes one")
        }
        url = URL(fileURLWithPath: path, isDirectory: true)
        manifest = try JSONDecoder().decode(GoldenManifest.self, from: Data(contentsOf: url / "manifest.json"))
    }

    func contract() throws -> Contract {
        try Contract.read(data(manifest.contract), name: manifest.contract)
    }

    func thresholds() throws -> Thresholds {
        try Thresholds.read(data(manifest.thresholds), name: manifest.thresholds)
    }

    func data(_ name: String) throws -> Data {
        try Data(contentsOf: url / name)
    }

    func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try data(name))
    }

    /// Little-endian elements of any fixed size.
    func values<Element>(_ name: String, as type: Element.Type) throws -> [Element] {
        try data(name).withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size).map {
                bytes.loadUnaligned(fromByteOffset: $0, as: type)
            }
        }
    }

    /// The elements in the type that a contract gives them.
    func elements(_ name: String, _ type: ElementType) throws -> TensorElements {
        type == .int8 ? .int8(try values(name, as: Int8.self)) : .float32(try values(name, as: Float.self))
    }

    /// "made_of" of the manifest as it stands there.
    func madeOf() throws -> Any {
        let whole = try JSONSerialization.jsonObject(with: data("manifest.json")) as? [String: Any]
        return try XCTUnwrap(whole?["made_of"])
    }
}

private func / (folder: URL, name: String) -> URL {
    folder.appendingPathComponent(name)
}

func doubleOf(bits: String) throws -> Double {
    Double(bitPattern: try XCTUnwrap(UInt64(bits, radix: 16)))
}
