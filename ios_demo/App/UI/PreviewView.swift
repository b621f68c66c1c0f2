import AVFoundation
import SwiftUI

/// The camera's picture. The front camera's is mirrored here, and here only: the network sees left as left.
struct PreviewView: UIViewRepresentable {
    let session: AVCaptureSession?
    let isMirrored: Bool

    func makeUIView(context: Context) -> LayerView { LayerView() }

    func updateUIView(_ view: LayerView, context: Context) {
        guard let layer = view.layer as? AVCaptureVideoPreviewLayer else { return }
        if layer.session !== session { layer.session = session }
        layer.videoGravity = .resizeAspect
        if let connection = layer.connection, connection.isVideoMirroringSupported {
            connection.automaticallyAdjustsVideoMirroring = false
            connection.isVideoMirrored = isMirrored
        }
    }

    final class LayerView: UIView {
        override static var layerClass: AnyClass { AVCaptureVideoPreviewLayer.self }
    }
}
