// What the app uses of the picker of photos and videos.
import SwiftUI

public struct PHPickerFilter: Sendable { public static let videos = PHPickerFilter() }
public struct PhotosPickerItem: Equatable, Hashable, Sendable {
    public func loadTransferable<T: Transferable>(type: T.Type) async throws -> T? { nil }
}
public struct PhotosPicker<L: View>: Primitive {
    public init(selection: Binding<PhotosPickerItem?>, matching: PHPickerFilter? = nil, @ViewBuilder label: () -> L) {}
}
